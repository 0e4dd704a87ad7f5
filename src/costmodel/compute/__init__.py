"""What a model's shape and a chip imply."""
