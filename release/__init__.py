"""How a release is built: `python -m release` writes wheel, sdist and zipapp into `dist/`."""
