// Passes what it is sent on to the model, and what comes back on to the client: the page's two Workers in one, with a
// body that is not their own.
export interface Env {
  AI: Ai;
}

export default {
  async fetch(request, env): Promise<Response> {
    const body = await request.json();
    const answer = await env.AI.run("@cf/mistral/mistral-7b-instruct-v0.2-lora", body);
    return body.stream
      ? new Response(answer, { headers: { "content-type": "text/event-stream" } })
      : Response.json(answer);
  },
} satisfies ExportedHandler<Env>;
