"""What a Helm chart does with a value: its templates, parsed and followed; nothing is rendered."""
