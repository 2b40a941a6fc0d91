"""What a build says of itself, and who signed that: in-toto statements, signed or not, and their SLSA provenance."""
