// Lays graphs out with ELK's layered algorithm. Graphs in ELK's JSON, an array on standard input;
// the same graphs with places and ways on standard output.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { argv, stdin, stdout } from "node:process";

const ELK = createRequire(argv[2] + "/")("elkjs");
const laid = [];
for (const graph of JSON.parse(await text(stdin))) {
  laid.push(await new ELK().layout(graph));
}
stdout.write(JSON.stringify(laid));
