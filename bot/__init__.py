"""All that knows Slack and HTTP; imports `provisioner`, never the other way round."""
