"""Tables 2-5 of the paper, published beside measured, as values that the renderers turn to text."""
