// Look at every page of a built site as a browser does. In a folder that has the two packages, from anywhere outside of the tree:
//   npm install puppeteer-core axe-core
//   node PATH/docs/check_pages.cjs PATH/site [FOLDER FOR SCREENSHOTS]
// Each page is opened light and dark at a desktop's width, and at a phone's. It fails if axe finds a serious or critical violation, if a page
// is wider than the phone, if a formula is not drawn, or if anything is fetched from the network. CHROMIUM names the browser.
const { createRequire } = require("node:module");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const installed = createRequire(path.join(process.cwd(), "package.json"));
const puppeteer = installed("puppeteer-core");
const axe = fs.readFileSync(installed.resolve("axe-core/axe.min.js"), "utf8");
const [site, screenshots] = process.argv.slice(2);
const VIEWS = [
  { name: "desktop", width: 1280, height: 900, scheme: "light" },
  { name: "desktop-dark", width: 1280, height: 900, scheme: "dark" },
  { name: "phone", width: 390, height: 844, scheme: "light" },
];

async function look(page, file, view) {
  await page.setViewport({ width: view.width, height: view.height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
  const outside = [];
  const note = (request) => /^https?:/.test(request.url()) && outside.push(`fetches ${request.url()}`);
  page.on("request", note);
  await page.goto(pathToFileURL(path.join(site, file)), { waitUntil: "load" });
  await page.evaluate(() => window.MathJax?.startup?.promise);
  page.off("request", note);
  const { width, formulas } = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    formulas: document.querySelectorAll(".math").length - document.querySelectorAll(".math:has(mjx-container)").length,
  }));
  if (screenshots) {
    const name = `${file.replace(/\.html$/, "").replaceAll("/", "-")}-${view.name}.png`;
    await page.screenshot({ path: path.join(screenshots, name) });
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  return [
    ...outside,
    ...(width > view.width ? [`is ${width} px wide`] : []),
    ...(formulas ? [`leaves ${formulas} formulas undrawn`] : []),
    ...violations
      .filter(({ impact }) => ["serious", "critical"].includes(impact))
      .map(({ id, impact, nodes }) => `${impact}: ${id}, ${nodes.length} times, e.g. ${nodes[0].target} ${nodes[0].html.slice(0, 120)}`),
  ];
}

async function main() {
  const files = fs.readdirSync(site, { recursive: true }).filter((file) => file.endsWith(".html")).sort();
  if (screenshots) fs.mkdirSync(screenshots, { recursive: true });
  const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  let found = 0;
  for (const file of files.filter((name) => !name.includes("_static"))) {
    const page = await browser.newPage();
    for (const view of VIEWS) {
      const problems = await look(page, file, view);
      found += problems.length;
      console.log(`${file}, ${view.name}: ${problems.length ? "" : "nothing serious"}`);
      problems.forEach((problem) => console.log(`  ${problem}`));
    }
    await page.close();
  }
  await browser.close();
  process.exitCode = found ? 1 : 0;
}

main();
