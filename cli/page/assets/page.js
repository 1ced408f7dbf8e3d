// Draws the charts of a report from the JSON beside them. Text of the data is only ever set as text.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const charts = [];

  function style(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  function colour(i) { return style("--c" + (i % 8)); }

  // ---- what is copied

  // A word that a POSIX shell takes as it is.
  function shellWord(text) {
    return /^[A-Za-z0-9_.,:+/@%-][A-Za-z0-9_.,:+/@%=-]*$/.test(text) ? text : "'" + text.replace(/'/g, "'\\''") + "'";
  }
  let hide = 0;
  function say(words, command) {
    const box = document.getElementById("said");
    const code = document.createElement("code");
    code.textContent = command;
    box.replaceChildren(words + " ", code);
    box.hidden = false;
    clearTimeout(hide);
    hide = setTimeout(function () { box.hidden = true; }, 8000);
  }
  function copyByHand(command) {
    const area = document.createElement("textarea");
    area.value = command;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.appendChild(area);
    area.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch (e) { done = false; }
    area.remove();
    return done;
  }
  function copy(command) {
    const told = function (done) { say(done ? "Copied:" : "To copy:", command); };
    if (navigator.clipboard && navigator.clipboard.writeText)
      navigator.clipboard.writeText(command).then(
        function () { told(true); }, function () { told(copyByHand(command)); });
    else
      told(copyByHand(command));
  }
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button[data-command]");
    if (button) copy(button.dataset.command);
  });

  // ---- numbers

  function short(v) {
    const units = ["", "k", "M", "G", "T", "P"];
    let power = 0;
    while (Math.abs(v) >= 999.95 && power < 5) { v /= 1000; ++power; }
    return String(parseFloat(v.toPrecision(4))) + units[power];
  }
  function shown(v, form) {
    if (v === null || v === undefined || !isFinite(v)) return "-";
    if (form === "percent") return parseFloat((100 * v).toPrecision(5)) + " %";
    if (form === "count") return short(v);
    return Math.abs(v) >= 1e5 ? short(v) : String(parseFloat(v.toPrecision(5)));
  }

  // ---- charts

  function axis(of, more) {
    return Object.assign({
      type: of.log ? "logarithmic" : "linear",
      title: { display: true, text: of.name, color: style("--soft") },
      grid: { color: style("--line") },
      ticks: {
        color: style("--soft"),
        maxRotation: 0,
        autoSkipPadding: 12,
        precision: of.form === "count" ? 0 : undefined,
        callback: function (v) { return shown(v, of.form); },
      },
    }, more || {});
  }
  // Names that fit into a line of the chart; the tooltip has them whole.
  function fitting(text, chart) {
    const most = Math.max(16, Math.floor((chart.width - 60) / 7));
    if (text.length <= most) return text;
    const head = Math.ceil(0.6 * most);
    return text.slice(0, head) + "..." + text.slice(text.length - (most - head - 3));
  }
  // Of many series: one entry for each colour, and one for each kind of curve or point.
  function grouped(of, lines) {
    const entries = [], seen = new Set();
    function add(text, paint, s) {
      if (seen.has(text)) return;
      seen.add(text);
      const look = looks[s.kind] || looks.points;
      entries.push(lines
        ? { text: text, strokeStyle: paint, lineWidth: 2, lineDash: s.dashed ? [5, 4] : [] }
        : { text: text, strokeStyle: paint, fillStyle: paint + look.alpha, lineWidth: 1, pointStyle: look.shape });
    }
    of.series.forEach(function (s) { add(s.group, colour(s.colour), { kind: "front" }); });
    of.series.forEach(function (s) { add(s.part, style("--soft"), s); });
    (of.marks || []).forEach(function (m) {
      entries.push({ text: m.name, strokeStyle: style("--soft"), lineWidth: 1, lineDash: [2, 4], pointStyle: "line" });
    });
    return entries;
  }
  function legend(show, lines, of) {
    // Of lines a piece of the line, dashes and all.
    const mark = lines ? { boxWidth: 26, boxHeight: 0 } : { usePointStyle: true, boxHeight: 7 };
    const many = Boolean(of) && of.series.length > 4 && of.series.every(function (s) { return s.group; });
    mark.generateLabels = function (chart) {
      const entries = many ? grouped(of, lines) : Chart.defaults.plugins.legend.labels.generateLabels(chart);
      entries.forEach(function (entry) {
        entry.text = fitting(entry.text, chart);
        entry.fontColor = style("--text");
      });
      return entries;
    };
    const options = { display: show, labels: mark };
    if (many) options.onClick = function () {};
    return options;
  }
  function common(of, lines) {
    const options = {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      normalized: lines,
      plugins: { legend: legend(of.series.length > 1, lines, of), tooltip: { displayColors: lines } },
      scales: { x: axis(of.x), y: axis(of.y) },
    };
    // Unparsed data are taken for sorted: the first and the last point for the ends of the axis.
    if (lines) options.parsing = false;
    return options;
  }
  // Long architectures in several lines.
  function wrapped(text) {
    const lines = [];
    for (let i = 0; i < text.length && lines.length < 8; i += 56) lines.push(text.slice(i, i + 56));
    if (text.length > 8 * 56) lines.push("...");
    return lines;
  }
  const looks = {
    evaluated: { radius: 2.5, shape: "circle", alpha: "80", order: 3 },
    random: { radius: 2.5, shape: "triangle", alpha: "70", order: 4 },
    front: { radius: 5, shape: "circle", alpha: "ff", order: 1, line: true },
    exact: { radius: 5, shape: "rectRot", alpha: "ff", order: 1, line: true },
    points: { radius: 3, shape: "circle", alpha: "99", order: 2 },
  };
  function scatter(of) {
    const sets = of.series.map(function (s) {
      const look = looks[s.kind] || looks.points;
      const paint = colour(s.colour);
      return {
        label: s.name,
        data: s.points.map(function (p, i) { return { x: p[0], y: p[1], i: i }; }),
        pointRadius: look.radius,
        pointHoverRadius: look.radius + 3,
        pointHitRadius: 6,
        pointStyle: look.shape,
        backgroundColor: paint + look.alpha,
        borderColor: paint + (look.line ? "ff" : look.alpha),
        borderWidth: look.line ? 1.5 : 0,
        showLine: Boolean(look.line),
        stepped: look.line && of.steps ? of.steps : false,
        order: look.order,
      };
    });
    if (of.diagonal) {
      let low = Infinity, high = -Infinity;
      of.series.forEach(function (s) { s.points.forEach(function (p) {
        low = Math.min(low, p[0], p[1]); high = Math.max(high, p[0], p[1]);
      }); });
      sets.push({ label: "equal", data: [{ x: low, y: low }, { x: high, y: high }], pointRadius: 0, pointStyle: "line",
        pointHitRadius: 0, showLine: true, borderColor: style("--soft"), borderDash: [4, 4], borderWidth: 1 });
    }
    (of.marks || []).forEach(function (m) {
      let low = Infinity, high = -Infinity;
      of.series.forEach(function (s) { s.points.forEach(function (p) {
        low = Math.min(low, p[1]); high = Math.max(high, p[1]);
      }); });
      sets.push({ label: m.name, data: [{ x: m.x, y: low }, { x: m.x, y: high }], pointRadius: 0, pointStyle: "line",
        pointHitRadius: 0, showLine: true, borderColor: style("--soft"), borderDash: [2, 4], borderWidth: 1 });
    });
    const options = common(of, false);
    options.plugins.legend = legend(sets.length > 1, false, of);
    options.interaction = { mode: "nearest", intersect: true };
    const seriesOf = function (item) { return of.series[item.datasetIndex]; };
    options.plugins.tooltip.callbacks = {
      title: function (items) {
        const s = items.length ? seriesOf(items[0]) : null;
        return s && s.texts ? wrapped(s.texts[items[0].raw.i]) : "";
      },
      label: function (item) {
        return of.x.name + " " + shown(item.raw.x, of.x.form) + ", " + of.y.name + " " + shown(item.raw.y, of.y.form);
      },
      footer: function (items) {
        const s = items.length ? seriesOf(items[0]) : null;
        return s ? s.name + (s.command ? " - click copies a command" : "") : "";
      },
    };
    // One point where several lie on one another.
    options.plugins.tooltip.filter = function (item, i) { return i === 0 && Boolean(seriesOf(item)); };
    options.onHover = function (event, items) {
      event.native.target.style.cursor = items.length ? "pointer" : "default";
    };
    options.onClick = function (event, items) {
      for (const item of items) {
        const s = of.series[item.datasetIndex];
        if (!s || !s.command) continue;
        copy(s.command[0] + shellWord(s.texts[item.index]) + s.command[1]);
        return;
      }
    };
    return { type: "scatter", data: { datasets: sets }, options: options };
  }
  function lines(of) {
    const options = common(of, true);
    options.interaction = { mode: "nearest", axis: "x", intersect: false };
    options.plugins.tooltip.callbacks = {
      title: function (items) { return items.length ? of.x.name + " " + shown(items[0].raw.x, of.x.form) : ""; },
      label: function (item) { return item.dataset.label + ": " + shown(item.raw.y, of.y.form); },
    };
    return {
      type: "scatter",
      data: { datasets: of.series.map(function (s) {
        const few = s.points.length < 30;
        return {
          label: s.name, showLine: true, borderWidth: 2, pointRadius: few ? 2.5 : 0, pointHitRadius: 8,
          borderColor: colour(s.colour), backgroundColor: colour(s.colour),
          borderDash: s.dashed ? [5, 4] : [],
          stepped: s.steps ? "before" : false,
          data: s.points.map(function (p) { return { x: p[0], y: p[1] }; }),
        };
      }) },
      options: options,
    };
  }
  // A value with its interval for each item.
  function intervals(of) {
    const at = of.items.map(function (item, i) { return i; });
    const names = of.items.map(function (item) { return item.name; });
    const short = function (text) { return text.length > 22 ? text.slice(0, 20) + "..." : text; };
    return {
      type: "bar",
      data: { labels: names, datasets: [
        { label: "interval", data: of.items.map(function (i) { return [i.low, i.high]; }), barThickness: 5,
          backgroundColor: at.map(function (i) { return colour(of.items[i].colour) + "88"; }), order: 2 },
        { label: "value", type: "scatter", pointRadius: 5, order: 1,
          backgroundColor: at.map(function (i) { return colour(of.items[i].colour); }),
          data: of.items.map(function (i, k) { return { x: i.value, y: names[k] }; }) },
      ] },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, indexAxis: "y",
        plugins: {
          legend: legend(false),
          tooltip: { callbacks: { label: function (item) {
            const i = of.items[item.dataIndex];
            return shown(i.value, of.x.form) + " (" + shown(i.low, of.x.form) + " .. " + shown(i.high, of.x.form) + ")";
          } } },
        },
        scales: {
          x: axis(of.x),
          y: { type: "category", grid: { display: false }, labels: names,
            ticks: { color: style("--text"), callback: function (v) { return short(names[v]); } } },
        },
      },
    };
  }
  const kinds = { scatter: scatter, lines: lines, intervals: intervals };

  function draw() {
    charts.splice(0).forEach(function (chart) { chart.destroy(); });
    document.querySelectorAll("canvas[data-chart]").forEach(function (canvas) {
      const of = data.charts[canvas.dataset.chart];
      charts.push(new Chart(canvas, kinds[of.kind](of)));
    });
  }
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // For tests: where a point is drawn.
  window.nasReport = { charts: charts, data: data };
})();
