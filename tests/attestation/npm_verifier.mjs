// Reads {root, keys, bundles: {name: bundle}} from stdin, verifies each with npm's own verifier, and prints
// {name: "" or the reason}. Nothing is fetched: the trust root and the keys are those of the input.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.argv[2] + "/package.json");
const { bundleFromJSON } = require("@sigstore/bundle");
const { PublicKey, TrustedRoot } = require("@sigstore/protobuf-specs");
const { toSignedEntity, toTrustMaterial, Verifier } = require("@sigstore/verify");

const input = JSON.parse(readFileSync(0, "utf8"));
const keys = {};
for (const row of input.keys.keys) {
  if (row.keyUsage === "npm:attestations") keys[row.keyId] = PublicKey.fromJSON(row.publicKey);
}
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(input.root), keys));
const outcomes = {};
for (const [name, bundle] of Object.entries(input.bundles)) {
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
    outcomes[name] = "";
  } catch (error) {
    outcomes[name] = String(error.code || error.name) + ": " + String(error.message);
  }
}
console.log(JSON.stringify(outcomes));
