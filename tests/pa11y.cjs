// Checks pages with pa11y, both runners, in one browser. Argument and answer are JSON:
// { "pages": [{ "url": ..., "cookie": ... }, ...], "browser": ..., "flags": [...] } -> [error, ...]

const { join } = require("node:path");
const modules = join(__dirname, ".node", "node_modules");
const pa11y = require(join(modules, "pa11y"));
const puppeteer = require(join(modules, "puppeteer"));

async function main() {
  const { pages, browser: executablePath, flags } = JSON.parse(process.argv[2]);
  const browser = await puppeteer.launch({ executablePath, args: flags });
  const found = [];
  for (const { url, cookie } of pages) {
    const headers = cookie ? { Cookie: cookie } : {};
    const { issues } = await pa11y(url, { browser, headers, runners: ["axe", "htmlcs"] });
    found.push(...issues.map(({ code, selector, message }) => `${url} ${code} ${selector}: ${message}`));
  }
  await browser.close();
  console.log(JSON.stringify(found));
}

main();
