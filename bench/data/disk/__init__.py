"""What lies on the disk: folders, frame numbers, images, videos, and their limits."""
