"""What a trained model answers: saved, grown, explained, recommending."""
