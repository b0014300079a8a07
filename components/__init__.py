"""What tributary deploys: pipelines, made of blocks, made of pure values."""
