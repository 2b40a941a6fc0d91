"""What a build says of itself: in-toto statements, and the source and the base images in their SLSA provenance."""
