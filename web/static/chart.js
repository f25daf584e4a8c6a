// Draws the charts of a page from the tables that stand beside them. A page is
// complete without it: the tables say everything, and the charts say nothing else.
(() => {
	"use strict";
	if (!window.uPlot) return;
	const lang = document.documentElement.lang;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	const narrow = matchMedia("(max-width: 40rem)");
	const drawn = [];

	const read = (table) => {
		const heads = [...table.tHead.rows[0].cells].slice(1).filter((c) => !c.hasAttribute("data-aside"));
		const rows = [...table.tBodies[0].rows].reverse();
		return {
			names: heads.map((c) => c.textContent.trim()),
			data: [rows.map((r) => Date.parse(r.cells[0].querySelector("time").dateTime) / 1000),
				...heads.map((c) => rows.map((r) => Number(r.cells[c.cellIndex].dataset.n)))],
		};
	};

	const draw = (plot) => {
		const { names, data } = read(document.querySelector(`#${plot.dataset.table} table`));
		const css = getComputedStyle(plot);
		const color = (name) => css.getPropertyValue(name).trim();
		const axis = { stroke: color("--dim"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
		const hourly = plot.dataset.hourly === "true";
		const when = new Intl.DateTimeFormat(lang, hourly ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" } : { day: "numeric", month: "short", timeZone: "UTC" });
		const count = new Intl.NumberFormat(lang === "zh" ? "zh-CN" : "en", { notation: "compact", maximumFractionDigits: 1 });
		const bars = uPlot.paths.bars({ size: [0.7, 40] });
		// Bars stand on each other: each is drawn up to the sum of those below it, the
		// tallest first, so that the lower ones stand before it.
		const sums = [];
		for (const one of data.slice(1)) sums.push(one.map((n, i) => n + (sums.length ? sums[sums.length - 1][i] : 0)));
		const steps = [1, 2, 5, 10, 20, 50, 1e2, 2e2, 5e2, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 1e9];
		const options = {
			width: 200, height: 220, legend: { show: false }, cursor: { show: false },
			tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "UTC"),
			scales: { x: { time: true, range: (u, min, max) => { const half = (data[0][1] - data[0][0] || 86400) / 2; return [min - half, max + half]; } },
				y: { range: (u, min, max) => [0, Math.max(1, max * 1.05)] } },
			axes: [{ ...axis, space: 60, values: (u, at) => at.map((s) => when.format(s * 1000)) },
				{ ...axis, size: 56, incrs: steps, values: (u, at) => at.map((n) => count.format(n)) }],
			series: [{}, ...names.map((label, i) => ({ label, fill: color(`--key-${plot.dataset.keys[i]}`), width: 0, paths: bars, points: { show: false } })).reverse()],
		};
		plot.replaceChildren();
		plot.hidden = false;
		options.width = Math.max(200, plot.clientWidth);
		const chart = new uPlot(options, [data[0], ...sums.reverse()], plot);
		// What was drawn, for who wants to hold it against the table.
		plot.drawn = { names, data, chart };
		drawn.push(chart);
	};

	const all = () => {
		for (const chart of drawn.splice(0)) chart.destroy();
		for (const plot of document.querySelectorAll("[data-table]")) draw(plot);
	};
	for (const plot of document.querySelectorAll("[data-table]")) plot.hidden = false;
	all();
	dark.addEventListener("change", all);
	narrow.addEventListener("change", all);
	let wait;
	addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(all, 150); });
})();
