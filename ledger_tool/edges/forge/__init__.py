"""Forges: GitHub, GitLab, Gitea and Forgejo, over their REST APIs. Imports `requests`, as the registries do."""
