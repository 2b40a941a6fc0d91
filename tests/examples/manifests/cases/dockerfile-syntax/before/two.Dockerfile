# syntax=docker/dockerfile:1 # ledger: ignore
FROM nginx:1.27.0
