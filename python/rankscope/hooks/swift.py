"""ms-swift's own arguments: what its args.json in the output folder holds beside the TrainingArguments."""

import json
import os

_SECRETS = ("_token", "_key", "api_key", "password", "secret")


def arguments(output_dir):
    """The content of OUTPUT_DIR/args.json as JSON text without secrets; None where ms-swift has written none."""
    try:
        with open(os.path.join(output_dir, "args.json"), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, TypeError):
        return None
    return json.dumps(_without_secrets(content)) if isinstance(content, dict) else None


def _without_secrets(value):
    if isinstance(value, dict):
        return {k: "[REDACTED]" if _is_secret(k, v) else _without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(v) for v in value]
    return value


def _is_secret(name, value):
    return isinstance(value, str) and value != "" and name.lower().endswith(_SECRETS)
