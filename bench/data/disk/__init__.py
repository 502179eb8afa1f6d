"""Files on disk: folders, frame numbers, images, videos, and size limits."""
