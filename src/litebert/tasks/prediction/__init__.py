"""A fine-tuned model on new rows: predictions, embeddings, scores and their page."""
