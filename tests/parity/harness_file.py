"""What the harness's runs and the comparison with ours must write alike."""

import hashlib
import json


def plain(arguments: list) -> list:
    """Arguments of a document's requests; greedy is said with or without temperature 0."""
    return [
        [
            {key: part[key] for key in sorted(part) if (key, part[key]) != ("temperature", 0.0)}
            if isinstance(part, dict)
            else part
            for part in one
        ]
        for one in arguments
    ]


def digest(arguments: list) -> str:
    """SHA-256 of plain arguments as JSON."""
    return hashlib.sha256(json.dumps(plain(arguments), ensure_ascii=False).encode()).hexdigest()
