"""What a trained model answers once it is saved: scores on a grown graph, explanations, recommendations.

The front is `link_model`.
"""
