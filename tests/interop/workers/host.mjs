// Runs a Worker, a file of TypeScript, under workerd; prints its URL, and ends with its standard input.
// A second argument is the URL of the service that its `env.AI` fetches from.
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const [file, service] = process.argv.slice(2);
const { outputFiles } = await build({ entryPoints: [file], bundle: true, format: "esm", write: false });
const miniflare = new Miniflare({
  modules: true,
  script: outputFiles[0].text,
  compatibilityDate: "2026-04-01",
  ...(service && { ai: { binding: "AI", remoteProxyConnectionString: new URL(service) } }),
});
process.stdin.resume().on("end", () => miniflare.dispose());
console.log(String(await miniflare.ready));
