"""What is odd about the clips of a set: who is in them, and what gives their class away."""
