"""From labelled examples to a fine-tuned model."""
