"""The papers of some months as a digest, a page or a post, and what is counted of them."""
