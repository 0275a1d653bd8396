"""Dashboards for Grafana, and the program that writes them."""
