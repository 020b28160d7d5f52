"""The official SDK, whose `run` reads JSON; streams are had by its way to the raw response."""

import json
import os
import sys

from cloudflare import Cloudflare

client = Cloudflare(api_token=os.environ["CLOUDFLARE_AUTH_TOKEN"], max_retries=0)
asked = {
    "model_name": sys.argv[1],
    "account_id": os.environ["CLOUDFLARE_ACCOUNT_ID"],
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    "max_tokens": 12,
    "seed": 7,
    "temperature": 0.5,
}
answer = client.ai.run(**asked)
with client.ai.with_streaming_response.run(**asked, stream=True) as response:
    lines = list(response.iter_lines())
print(json.dumps({"answer": answer, "lines": lines}))
