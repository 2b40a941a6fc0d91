"""The files of a site, from its facts: pages for people, data for programs, a feed."""
