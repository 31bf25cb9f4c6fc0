"""What a graph whose edges have times says of its nodes and pairs, without anything that is trained."""
