// What the console's pages do by themselves. Each page is complete without it: the
// time left is then that of the moment at which the page was made.
(() => {
	"use strict";
	const words = document.body.dataset;
	// A browser's clock may be wrong; the platform's is the one that is recorded.
	let offset = Date.parse(words.now) - Date.now();
	const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
	const twoDigits = (n) => String(n).padStart(2, "0");
	const fill = (text, parts) => text.replace(/\{(\w+)\}/g, (all, name) => parts[name] ?? all);

	// As span in lawwords.go.
	const span = (s) => {
		if (s >= 48 * 3600) return fill(words.days, { d: Math.floor(s / 86400), h: Math.floor((s % 86400) / 3600) });
		if (s >= 3600) return fill(words.hours, { h: Math.floor(s / 3600), m: twoDigits(Math.floor((s % 3600) / 60)) });
		return fill(words.minutes, { m: Math.floor(s / 60), s: twoDigits(s % 60) });
	};

	const count = () => {
		const now = Date.now() + offset;
		for (const one of document.querySelectorAll("[data-due]")) {
			const left = Date.parse(one.dataset.due) - now;
			const text = fill(left < 0 ? words.over : words.left, { time: span(Math.floor(Math.abs(left) / 1000)) });
			if (one.textContent !== text) one.textContent = text;
			one.classList.toggle("over", left < 0);
		}
	};
	count();
	setInterval(count, calm ? 15000 : 1000);

	// Sections marked data-live are fetched anew now and then, unless that was paused.
	const every = 15000;
	const pause = document.getElementById("pause");
	const stale = document.getElementById("stale");
	if (!document.querySelector("[data-live]")) return;
	const paused = () => pause.getAttribute("aria-pressed") === "true";
	const set = (on) => {
		pause.setAttribute("aria-pressed", String(on));
		try { sessionStorage.setItem("paused", String(on)); } catch { /* not kept, then */ }
	};
	pause.hidden = false;
	try { set(sessionStorage.getItem("paused") === "true"); } catch { /* as it is */ }
	pause.addEventListener("click", () => set(!paused()));

	// replace puts the new section in the place of the old one; focus and what was
	// unfolded stay.
	const replace = (old, fresh) => {
		const same = (node) => node.innerHTML.replace(/(data-due="[^"]*">)[^<]*/g, "$1");
		if (same(old) === same(fresh)) return;
		const focused = old.contains(document.activeElement) ? document.activeElement : null;
		const key = focused && (focused.id || focused.getAttribute("href") || focused.textContent);
		const open = [...old.querySelectorAll("details")].map((d) => d.open);
		const scrolled = [...old.querySelectorAll(".scroll")].map((d) => d.scrollLeft);
		old.replaceChildren(...fresh.childNodes);
		old.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
		old.querySelectorAll(".scroll").forEach((d, i) => { d.scrollLeft = scrolled[i] ?? 0; });
		if (!focused) return;
		const again = [...old.querySelectorAll("a, button, summary, input, [tabindex]")]
			.find((e) => (e.id || e.getAttribute("href") || e.textContent) === key);
		if (again) again.focus({ preventScroll: true });
	};

	const refresh = async () => {
		if (document.hidden || paused()) return;
		try {
			const asked = Date.now();
			const answer = await fetch(words.address, { headers: { Accept: "text/html" }, cache: "no-store" });
			if (!answer.ok) throw new Error(String(answer.status));
			const page = new DOMParser().parseFromString(await answer.text(), "text/html");
			offset = Date.parse(page.body.dataset.now) - (asked + Date.now()) / 2;
			for (const fresh of page.querySelectorAll("[data-live]")) {
				const old = document.getElementById(fresh.id);
				if (old) replace(old, fresh);
			}
			stale.hidden = true;
			count();
		} catch {
			stale.hidden = false;
		}
	};
	setInterval(refresh, every);
	document.addEventListener("visibilitychange", refresh);
})();
