// Writes static/BUILD.json: the hash of what was built, which a test of the project compares.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1).replaceAll("\\", "/"))
  .filter((path) => !path.startsWith("node_modules/"))
  .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
const hash = createHash("sha256");
for (const path of files) hash.update(path).update("\0").update(readFileSync(join(root, path)));
writeFileSync(join(root, "../static/BUILD.json"), `${JSON.stringify({ sources: hash.digest("hex") })}\n`);
