// Market: every book, alerts as they fire, one coin over its venues.
import { cleanups } from "../lib/dom.js";
import { alertsFeed } from "../panels/alerts_feed.js";
import { booksTable } from "../panels/books_table.js";
import { comparison } from "../panels/comparison.js";
import { venueChart } from "../panels/venue_chart.js";

function mount(root, context) {
  const steps = cleanups();
  const table = booksTable(context);
  const compared = comparison(context, table.books);
  const venues = venueChart(context, compared.compared);
  const alerts = alertsFeed(context);
  root.append(table.element, compared.element, venues.element, alerts.element);
  steps.add(table.remove, compared.remove, venues.remove, alerts.remove);
  return steps.run;
}

export const page = { id: "market", title: "Market", mount };
