"""MACHINES: hosts, ports, processes, clients. Not one CRM word."""
