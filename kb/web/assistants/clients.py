"""How usual clients are told of this server: lines to paste. No file of theirs is touched."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

NAME = "kb"


def installation(command: Sequence[str]) -> str:
    """Return, for each client, the line or the JSON that makes it start command."""
    program, *arguments = command
    started = {"command": program, "args": arguments}
    typed = shlex.join(command)
    servers = json.dumps({"mcpServers": {NAME: started}}, ensure_ascii=False, indent=2)
    of_code = json.dumps({"servers": {NAME: {"type": "stdio", **started}}}, ensure_ascii=False, indent=2)
    toml = f"[mcp_servers.{NAME}]\ncommand = {_quoted(program)}\nargs = [{', '.join(map(_quoted, arguments))}]"
    sections = {
        "Claude Code": f"claude mcp add --scope user {NAME} -- {typed}",
        "Claude Desktop (claude_desktop_config.json), Cursor (~/.cursor/mcp.json), Windsurf, Gemini CLI": servers,
        "VS Code (.vscode/mcp.json)": of_code,
        "Codex (~/.codex/config.toml)": toml,
        "MCP Inspector, to try it": f"npx @modelcontextprotocol/inspector --cli {typed} --method tools/list",
    }
    return "\n\n".join(f"# {client}\n{lines}" for client, lines in sections.items()) + "\n"


def skill_text() -> str:
    """Return what an agent should know to use these tools, or the commands, well: a SKILL.md."""
    return Path(__file__).with_name("SKILL.md").read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    """Return a text of TOML."""
    return json.dumps(text, ensure_ascii=False)
