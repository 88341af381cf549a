// Runs routines of a generated module on numbers from another program, for tests.
//
// Reads one JSON value: the file of a module, and calls in order. An array is an object with its
// type and its bytes as base64, so that every number, NaN among them, comes and goes as it is.
// An argument may be the result of an earlier call. A call that throws has its error as a result.

import { readFileSync } from "node:fs";

const TYPES = { Float64Array, Float32Array, Int32Array };

function decoded(value, results) {
  if (Array.isArray(value)) return value.map((item) => decoded(item, results));
  if (typeof value !== "object" || value === null) return value;
  if ("base64" in value) {
    const bytes = Uint8Array.from(Buffer.from(value.base64, "base64"));
    return new TYPES[value.type](bytes.buffer);
  }
  if ("type" in value) return TYPES[value.type];
  if ("result" in value) return value.path.reduce((found, key) => found[key], results[value.result]);
  const entries = Object.entries(value).map(([key, item]) => [key, decoded(item, results)]);
  return Object.fromEntries(entries);
}

function encoded(value) {
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { type: value.constructor.name, base64: bytes.toString("base64") };
  }
  if (typeof value !== "object" || value === null) return value;
  if (value.flat && value.views) return { flat: encoded(value.flat), ...encoded({ ...value.views }) };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encoded(item)]));
}

const { file, calls } = JSON.parse(readFileSync(0, "utf8"));
const module = await import(file);
const results = [];
for (const { name, args } of calls) {
  try {
    const given = decoded(args, results);
    if (name === "Params") {
      const params = new module.Params(given[0], given[2]);
      params.flat.set(given[1]);
      results.push(params);
    } else {
      results.push(module[name](...given));
    }
  } catch (error) {
    results.push({ error: error.constructor.name, message: error.message });
  }
}
process.stdout.write(JSON.stringify(results.map(encoded)));
