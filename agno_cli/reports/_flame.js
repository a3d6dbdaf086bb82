// Makes a flame graph zoom, search and tell: by pointer, by touch and by keyboard.
// Without it the drawing is whole and readable. Positions are shares of the width.
(() => {
  const PIXELS_PER_LETTER = 7, LEAST_LETTERS = 3;
  const graph = document.querySelector(".flame");
  if (!graph) return;
  const box = graph.parentElement;
  const [input, reset, found] = ["input", "button", ".found"].map(s => document.querySelector(".flame-tools " + s));
  const detail = document.querySelector(".flame-detail");
  const frames = [...graph.querySelectorAll(".frame")].map(element => ({
    element,
    text: element.querySelector("title").textContent,
    name: element.dataset.n,
    start: Number(element.dataset.x),
    width: Number(element.dataset.w),
    depth: Number(element.dataset.d),
    parent: Number(element.dataset.p),
  }));
  let zoomed = 0, chosen = -1;

  const draw = () => {
    const { start, width, depth } = frames[zoomed];
    const pixels = graph.clientWidth;
    for (const frame of frames) {
      const above = frame.depth < depth && frame.start <= start && frame.start + frame.width >= start + width - 1e-9;
      const inside = frame.start >= start - 1e-9 && frame.start + frame.width <= start + width + 1e-9 && frame.depth >= depth;
      const x = above ? 0 : (frame.start - start) / width;
      const share = above ? 1 : frame.width / width;
      frame.element.style.display = above || inside ? "" : "none";
      frame.element.setAttribute("x", 100 * x + "%");
      frame.element.setAttribute("width", 100 * share + "%");
      frame.element.classList.toggle("above", above);
      frame.element.classList.toggle("narrow", share * pixels < PIXELS_PER_LETTER * LEAST_LETTERS);
    }
    reset.hidden = zoomed === 0;
  };
  const choose = index => {
    if (chosen >= 0) frames[chosen].element.classList.remove("chosen");
    chosen = index;
    frames[index].element.classList.add("chosen");
    detail.textContent = frames[index].text;
    const top = Number(frames[index].element.getAttribute("y"));
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + 24 > box.scrollTop + box.clientHeight) box.scrollTop = top + 24 - box.clientHeight;
  };
  const zoom = index => { zoomed = index; choose(index); draw(); };
  const search = () => {
    const wanted = input.value.trim().toLowerCase();
    const spans = [];
    for (const frame of frames) {
      const hit = wanted !== "" && frame.name.toLowerCase().includes(wanted);
      frame.element.classList.toggle("hit", hit);
      if (hit) spans.push([frame.start, frame.start + frame.width]);
    }
    let share = 0, end = 0;
    for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
      share += Math.max(0, to - Math.max(from, end));
      end = Math.max(end, to);
    }
    found.textContent = wanted === "" ? "" : spans.length + " found, " + (100 * share).toFixed(1) + " % with what they call";
  };
  const near = key => {
    const here = Math.max(chosen, 0), frame = frames[here];
    if (key === "ArrowUp") return frame.parent;
    const row = frames.map((_, index) => index).filter(index => frames[index].parent === (key === "ArrowDown" ? here : frame.parent));
    if (key === "ArrowDown") return row.sort((a, b) => frames[b].width - frames[a].width)[0];
    return row.sort((a, b) => frames[a].start - frames[b].start)[row.indexOf(here) + (key === "ArrowLeft" ? -1 : 1)];
  };

  graph.addEventListener("click", event => {
    const element = event.target.closest(".frame");
    if (element) zoom(frames.findIndex(frame => frame.element === element));
  });
  graph.addEventListener("pointerover", event => {
    const element = event.target.closest(".frame");
    if (element && event.pointerType === "mouse") detail.textContent = element.querySelector("title").textContent;
  });
  box.addEventListener("keydown", event => {
    if (event.key === "Enter" && chosen >= 0) zoom(chosen);
    else if (event.key === "Escape") zoom(0);
    else if (event.key.startsWith("Arrow")) {
      const index = near(event.key);
      if (index !== undefined && index >= 0) choose(index);
    } else return;
    event.preventDefault();
  });
  reset.addEventListener("click", () => zoom(0));
  input.addEventListener("input", search);
  addEventListener("resize", draw);
  input.parentElement.hidden = false;
  draw();
})();
