// SPDX-License-Identifier: Apache-2.0
//
// What the programs for node share.

"use strict";

const fs = require("fs");
const { createRequire } = require("module");
const path = require("path");

/** A package as scripts/foreign has fetched it; without them the program ends with `status`. */
function load(name, status) {
    const cache = process.env.XDG_CACHE_HOME || path.join(process.env.HOME || "/", ".cache");
    const directory = path.join(process.env.NATSPROTO_NPM_DIR || path.join(cache, "natsproto/npm"), "node_modules");
    if (fs.existsSync(directory)) return createRequire(path.join(directory, "as-if.js"))(name);
    console.error(`no ${directory}: run scripts/foreign`);
    process.exit(status);
}

/** Runs `main`; the program fails by its error, and when it takes more than so many seconds, if they are given. */
function run(main, seconds) {
    const hangs = () => {
        console.error("it hangs");
        process.exit(1);
    };
    const watchdog = seconds && setTimeout(hangs, seconds * 1000);
    main().then(
        () => clearTimeout(watchdog),
        (e) => {
            console.error(e);
            process.exit(1);
        },
    );
}

const say = (line) => process.stdout.write(line + "\n");
const text = (m) => new TextDecoder().decode(m.data);
const bytes = (t) => new TextEncoder().encode(t);

module.exports = { load, run, say, text, bytes };
