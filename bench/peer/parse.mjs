// Reads a catalogue and its offers with commerceml-parser, and tells how long that took, without the
// start of Node: `node parse.mjs IMPORT OFFERS`.
import { createReadStream, readFileSync, statSync } from "node:fs";
import parsers from "commerceml-parser";

const [importFile, offersFile] = process.argv.slice(2);
const counted = { goods: 0, offers: 0 };

async function catalogue(file) {
  const parser = new parsers.CommerceMlImportParser();
  parser.onProduct(() => { counted.goods += 1; });
  await parser.parse(createReadStream(file));
}

async function offers(file) {
  const parser = new parsers.CommerceMlOffersParser();
  parser.onOffer(() => { counted.offers += 1; });
  await parser.parse(createReadStream(file));
}

const started = process.hrtime.bigint();
await catalogue(importFile);
await offers(offersFile);
const micros = Number((process.hrtime.bigint() - started) / 1000n);
const bytes = statSync(importFile).size + statSync(offersFile).size;
// Not resourceUsage(): that begins with what the parent had.
const peakKib = Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
console.log(JSON.stringify({ ...counted, bytes, micros, peak_kib: peakKib }));
