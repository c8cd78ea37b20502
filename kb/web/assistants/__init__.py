"""What an assistant asks of a knowledge base, and how it is answered."""
