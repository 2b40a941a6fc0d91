"""Forges: GitHub, GitLab, Gitea and Forgejo, over their REST APIs."""
