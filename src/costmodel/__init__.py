"""costmodel: the economics of AI compute."""
