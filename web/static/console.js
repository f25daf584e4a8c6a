// What the console's pages do by themselves. Each page is complete without it: the
// time left is then that of the moment at which the page was made.
(() => {
	"use strict";
	const words = document.body.dataset;
	// A browser's clock may be wrong; the platform's is the one that is recorded. In a
	// demonstration it runs at the story's speed, up to the story's next moment.
	let shown = Date.parse(words.now), seen = Date.now();
	const moment = () => Math.min(shown + (Date.now() - seen) * (words.speed ?? 1), Math.max(shown, Date.parse(words.until ?? "") || Infinity));
	const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
	const twoDigits = (n) => String(n).padStart(2, "0");
	const fill = (text, parts) => text.replace(/\{(\w+)\}/g, (all, name) => parts[name] ?? all);
	const kept = (store, name) => { try { return store.getItem(name); } catch { return null; } };
	const keep = (store, name, value) => { try { store.setItem(name, value); } catch { /* not kept, then */ } };

	// --- Clocks ------------------------------------------------------------------

	// As span in lawwords.go.
	const span = (s) => {
		if (s >= 48 * 3600) return fill(words.days, { d: Math.floor(s / 86400), h: Math.floor((s % 86400) / 3600) });
		if (s >= 3600) return fill(words.hours, { h: Math.floor(s / 3600), m: twoDigits(Math.floor((s % 3600) / 60)) });
		return fill(words.minutes, { m: Math.floor(s / 60), s: twoDigits(s % 60) });
	};

	const clock = document.getElementById("clock");
	const count = () => {
		const now = moment();
		for (const one of document.querySelectorAll("[data-due]")) {
			const left = Date.parse(one.dataset.due) - now;
			const text = fill(left < 0 ? words.over : words.left, { time: span(Math.floor(Math.abs(left) / 1000)) });
			if (one.textContent !== text) one.textContent = text;
			one.classList.toggle("over", left < 0);
		}
		if (clock) clock.textContent = new Date(now).toISOString().slice(11, calm ? 16 : 19);
	};
	count();
	setInterval(count, calm ? 15000 : 1000);

	// --- Sections that stay fresh ----------------------------------------------------

	// Sections marked data-live are fetched anew now and then, unless that was paused.
	const every = Number(words.every ?? 15000);
	const pause = document.getElementById("pause");
	const stale = document.getElementById("stale");
	const live = () => document.querySelector("[data-live]") !== null;
	const paused = () => pause.getAttribute("aria-pressed") === "true";
	const setPause = (on) => {
		pause.setAttribute("aria-pressed", String(on));
		keep(sessionStorage, "paused", String(on));
	};
	setPause(kept(sessionStorage, "paused") === "true");
	pause.hidden = !live();
	pause.addEventListener("click", () => setPause(!paused()));

	// A row is the same one wherever it stands now: it is known by where it leads.
	const mark = (section) => {
		const taken = new Set();
		for (const row of section.querySelectorAll("li:not([id]), tr:not([id])")) {
			const to = row.querySelector("a[href]")?.getAttribute("href");
			if (!to || taken.has(to)) continue;
			taken.add(to);
			row.id = "row " + to;
		}
		return section;
	};
	const typing = () => document.activeElement?.matches("input, select, textarea") ?? false;

	// What was unfolded or typed stays, and so does the focus.
	const morph = {
		morphStyle: "innerHTML",
		restoreFocus: true,
		callbacks: {
			beforeAttributeUpdated: (name, node) => !(name === "open" && node.localName === "details"),
			// The time left runs here, and not by the page's making.
			beforeNodeMorphed: (node, fresh) => !(node.dataset?.due && node.dataset.due === fresh.dataset?.due),
		},
	};

	const refresh = async () => {
		if (document.hidden || paused() || !live()) return;
		try {
			const asked = Date.now();
			const answer = await fetch(words.address, { headers: { Accept: "text/html" }, cache: "no-store" });
			if (!answer.ok) throw new Error(String(answer.status));
			const page = new DOMParser().parseFromString(await answer.text(), "text/html");
			shown = Date.parse(page.body.dataset.now);
			seen = (asked + Date.now()) / 2;
			for (const name of ["speed", "until"]) if (name in page.body.dataset) words[name] = page.body.dataset[name];
			for (const fresh of page.querySelectorAll("[data-live]")) {
				const old = document.getElementById(fresh.id);
				if (old) Idiomorph.morph(mark(old), mark(fresh).innerHTML, { ...morph, ignoreActiveValue: typing() });
			}
			stale.hidden = true;
			count();
		} catch {
			stale.hidden = false;
		}
	};
	setInterval(refresh, every);
	document.addEventListener("visibilitychange", refresh);

	// A list that was filtered or turned over in place has an address of its own.
	document.body.addEventListener("htmx:afterSettle", () => {
		words.address = location.pathname + location.search;
		pause.hidden = !live();
		count();
	});

	// --- Keys ------------------------------------------------------------------------

	// Letters can be switched off (WCAG 2.1.4): who speaks to the machine, or whose hand
	// trembles, would set them off unmeant.
	const help = document.getElementById("help");
	const keys = document.getElementById("shortcuts");
	const letters = document.getElementById("letters");
	letters.checked = kept(localStorage, "letters") !== "off";
	letters.addEventListener("change", () => keep(localStorage, "letters", letters.checked ? "on" : "off"));
	help.hidden = false;
	help.addEventListener("click", () => keys.showModal());

	// rows are the links by which the entries of the page's lists are opened.
	const rows = () => [...document.querySelectorAll("main .queue > li, main .lines > li, main tbody > tr")]
		.map((row) => row.querySelector("a[href], button:not([hidden])")).filter((link) => link && link.offsetParent !== null);
	const step = (by) => {
		const all = rows();
		const at = all.findIndex((link) => link === document.activeElement || link.closest("li, tr").contains(document.activeElement));
		const to = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
		if (!to) return;
		to.focus();
		to.closest("li, tr").scrollIntoView({ block: "nearest" });
	};

	let leading = 0; // when a g was pressed
	const pressed = (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !letters.checked || keys.open) return;
		if (event.target.closest("input, select, textarea, [contenteditable]")) return;
		const go = Date.now() - leading < 1500 && document.querySelector(`#places [data-press="${CSS.escape(event.key)}"] a`);
		leading = 0;
		const does = {
			"/": () => document.getElementById("q")?.focus(),
			"?": () => keys.showModal(),
			j: () => step(1),
			k: () => step(-1),
			n: () => document.querySelector('a[rel="next"]')?.click(),
			g: () => { leading = Date.now(); },
		}[event.key];
		if (!go && !does) return;
		event.preventDefault();
		if (go) go.click(); else does();
	};
	document.addEventListener("keydown", pressed);
})();
