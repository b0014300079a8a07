"""What two or more pipelines are made of: each block is the smallest thing that is secure by itself."""
