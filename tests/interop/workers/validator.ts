// The hosted API's validator: 204 for a body that it takes, else 400 and its words. In a Worker, since that is where it
// is at home: under Node 20 it refuses everything, for want of a method of Set that came with Node 22.
import { Cabidela } from "@cloudflare/cabidela";
import schema from "../../../schemas/mistral-7b-instruct-v0.2-lora/input.schema.json";

const validator = new Cabidela(schema);

export default {
  async fetch(request): Promise<Response> {
    const body = await request.json();
    try {
      validator.validate(body);
    } catch (error) {
      return new Response(String(error), { status: 400 });
    }
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler;
