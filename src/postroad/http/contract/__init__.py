"""What all HTTP interfaces share: endpoints as values, and what is computed from them.

From a list of `Endpoint` come the routes (`api`), the OpenAPI file (`openapi`), its page for
people (`page`) and the answers to what went wrong (`problems`).
"""
