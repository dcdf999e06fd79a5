package pages

import "html/template"

// functions are what templates say things with.
var functions = template.FuncMap{}
