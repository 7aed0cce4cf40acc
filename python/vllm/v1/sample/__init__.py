"""Sampling of V1."""
