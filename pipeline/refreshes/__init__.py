"""The champion's weights on the newest graph: made, judged, registered and served. What is trained is in `training`."""
