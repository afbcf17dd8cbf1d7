// Mends what the admin theme leaves out for people who use the keyboard or a screen reader.
"use strict";
