"""One image per clip: optical flow, apex frame, dynamic image, landmark patches."""
