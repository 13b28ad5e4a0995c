// Package sqlconn opens databases by URL, with the settings each driver needs, and knows in what their dialects differ.
package sqlconn
