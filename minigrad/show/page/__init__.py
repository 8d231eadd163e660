"""The page in which a person walks through both passes, one step at a time."""
